#!lua flags=allow-oom
--[[ outbox_claim: lease the head of up to n ready lanes of one sender and priority, earliest deadline first.

One step, because a lane may have one message out at a time: this is what keeps an address's messages in order. First what
fell due moves on: messages of `later` join their lanes; a lane whose lease ran out becomes unsure (bytes may have left);
lanes that waited are looked at again. A claim id that is known gives the same batch again: the client repeats lost answers.
Runs when memory is full: what is sent leaves a stub a tenth of its size, so sending is what makes room.

KEYS  1 claim:id (string)  2 facts (stream)  3-13 q, later, lane, ready 0-3, due 0-3
ARGV  1 offset (ms)  2 priority, -1 = only move what fell due  3 n  4 deadline at most (s)  5 lease (ms)  6 evidence (ms)
      7 pair interval T (ms)  8 pair tolerance tau (ms)  9 worker  10 '1' when our own webhooks keep up (the evidence clock runs)
      11 longest time the evidence clock may stand still (ms)
RETURNS JSON [[A, member, fence, sends that the record has not counted (this one included), resend 0/1,
        the server's own time (ms): a process whose clock is wrong sees it by this] ...]
--]]
-- include base
-- include lane
local again = redis.call('GET', KEYS[1])
if again then
  redis.call('PEXPIRE', KEYS[1], 2 * tonumber(ARGV[5])) -- a write: the caller may wait for a replica to have it
  return again
end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local prio, n, deadline, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local evidence, T, tau = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local set = lane_set(3)
local room = math.max(n, 16)
-- While our own webhooks are behind, no evidence means nothing: what is unsure goes on waiting, up to a limit.
local function stand_still(lane)
  if lane.unsure == '' or ARGV[10] == '1' then return end
  local found = unsure_of(lane)
  for _, one in ipairs(found) do
    if one.till <= now and now - one.since < tonumber(ARGV[11]) then one.till = now + 1000 end
  end
  unsure_save(lane, found)
end
for _, member in ipairs(redis.call('ZRANGE', set.later, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, room)) do
  redis.call('ZREM', set.later, member)
  redis.call('ZADD', set.q, 0, member)
  local a = string.sub(member, 1, 16)
  place(set, a, lane_load(set.lane, a), now, tau)
end
for k = 0, 3 do
  for _, a in ipairs(redis.call('ZRANGE', set.due[k + 1], '-inf', text(now), 'BYSCORE', 'LIMIT', 0, room)) do
    local lane = lane_load(set.lane, a)
    if lane.out ~= '' and lane.till <= now then
      unsure_put(lane, lane.out, lane.att, k, now, now + evidence)
      fact(KEYS[2], now, 'uncertain', lane.out, 'attempt=' .. text(lane.att) .. ' why=lease')
      lane.out = ''
    end
    stand_still(lane)
    place(set, a, lane, now, tau)
  end
end
if prio < 0 then return '[]' end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local batch = {}
for _, a in ipairs(redis.call('ZRANGE', set.ready[prio + 1], '-inf', text(deadline), 'BYSCORE', 'LIMIT', 0, n)) do
  local lane = lane_load(set.lane, a)
  local first = head(set.q, a)
  stand_still(lane)
  if not first or prio_of(first) ~= prio or lane.out ~= '' or barred(lane, prio, now, tau) then
    place(set, a, lane, now, tau)
  else
    local mid = message_of(first)
    local resend = unsure_take(lane, mid)
    lane.fence = math.max(lane.fence + 1, now) -- a lane is dropped when it is empty: counted from 1, its fences would come again
    lane.att = resend and resend.att + 1 or 1
    lane.out, lane.till, lane.tat = mid, now + lease, math.max(lane.tat, now) + T
    redis.call('ZREM', set.ready[prio + 1], a)
    redis.call('ZADD', set.due[prio + 1], text(lane.till), a)
    lane.at = 'd' .. prio
    lane_save(set.lane, a, lane)
    fact(KEYS[2], now, 'claimed', mid, 'fence=' .. text(lane.fence) .. ' by=' .. ARGV[9])
    batch[#batch + 1] = {a, first, lane.fence, lane.att, resend and 1 or 0, clock}
  end
end
if #batch == 0 then return '[]' end
local answer = cjson.encode(batch)
redis.call('SET', KEYS[1], answer, 'PX', text(2 * lease))
return answer
