#!lua flags=allow-oom
--[[ outbox_relive: messages that a process leased before a failover are leased to it again, where the store forgot that.

One step a batch, because record, lane and lease must agree. A store that went back shows such a message as waiting, or not at all
(then its record is put back as it was handed out, but never of a contact that is erased). Leased again, it can be settled by
who sent it. What the store still knows of the lease, or has learnt since, stays: running it twice changes nothing.
Fences say little (a lane keeps nothing once it is empty, and another process may have played what came later in it): the record
must be waiting still, without this send counted. Where another of its lane is out (an urgent message passes one whose lease ran
out, and both are played; or another process claimed what the failover left waiting), it becomes unsure: it may have left, and
the other keeps its lease.

KEYS  1 facts (stream)  2-12 q, later, lane, ready 0-3, due 0-3  then per message m:M (string), f:C (hash), told:C (hash)
ARGV  1 offset (ms)  2 lease (ms)  3 pair interval T (ms)  4 how long a message is remembered (ms)
      5 batch (JSON): [{m member, f fence, n attempt, u sends that the record has not counted}]
      6 evidence (ms)  7 pair tolerance tau (ms)  8.. per message its record as it was handed out
RETURNS per message: leased (again) | unsure (another of its lane is out) | known | gone
--]]
-- include base
-- include lane
-- include message
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local lease, T, keep = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local evidence, tau = tonumber(ARGV[6]), tonumber(ARGV[7])
local set = lane_set(2)
local answers = {}
for k, item in ipairs(cjson.decode(ARGV[5])) do
  local key, contact, told = KEYS[10 + k * 3], KEYS[11 + k * 3], KEYS[12 + k * 3]
  local a, mid = string.sub(item.m, 1, 16), message_of(item.m)
  local lane = lane_load(set.lane, a)
  local header, body = message_read(key)
  local f = redis.call('HMGET', contact, 'erasing', 'cv', 'moved')
  if lane.out == mid or is_unsure(lane, mid) then answers[k] = 'known'
  elseif header and (header[STATE] ~= 'q' or tonumber(header[ATTEMPT]) >= item.n) then answers[k] = 'known'
  elseif not header and (f[1] or redis.call('EXISTS', contact) == 0) then answers[k] = 'gone'
  else
    if not header then
      local raw = ARGV[7 + k]
      local cut = string.find(raw, '\n', 1, true)
      header, body = split(string.sub(raw, 1, cut - 1)), string.sub(raw, cut + 1)
      local ttl = text(math.max(tonumber(header[DEADLINE]) - now, 0) + keep)
      message_write(key, header, body, ttl)
      local last = header[TOLD] ~= '' and told_read(told, header[TOLD])
      if header[TOLD] ~= '' and (not last or last.version < tonumber(header[VERSION])) then
        told_write(told, header[TOLD], tonumber(header[VERSION]), mid, header[SENDER], 'q', ttl)
      end
      if tonumber(redis.call('HGET', set.lane, '#seq') or '0') < tonumber(header[SEQ]) then
        redis.call('HSET', set.lane, '#seq', header[SEQ])
      end
    end
    redis.call('ZREM', set.later, item.m)
    redis.call('ZADD', set.q, 0, item.m)
    local prio = prio_of(item.m)
    lane.tat = math.max(lane.tat, now) + T
    if lane.out ~= '' then
      unsure_put(lane, mid, item.u, prio, now, now + evidence)
      place(set, a, lane, now, tau)
      fact(KEYS[1], now, 'uncertain', message_ids(header, mid), 'attempt=' .. text(item.n) .. ' why=failover')
      answers[k] = 'unsure'
    else
      if lane.at ~= '' then
        local old = string.sub(lane.at, 1, 1) == 'r' and set.ready or set.due
        redis.call('ZREM', old[tonumber(string.sub(lane.at, 2, 2)) + 1], a)
      end
      lane.fence, lane.att, lane.out, lane.till = item.f, item.u, mid, now + lease
      lane.at = 'd' .. text(prio)
      redis.call('ZADD', set.due[prio + 1], text(lane.till), a)
      lane_save(set.lane, a, lane)
      fact(KEYS[1], now, 'reclaimed', message_ids(header, mid), 'attempt=' .. text(item.n) .. ' fence=' .. text(item.f))
      answers[k] = 'leased'
    end
  end
end
return answers
