#!lua flags=allow-oom
--[[ outbox_settle: what became of claimed messages; the next of each lane comes forward.

One step a batch, because the attempt, the state and the lane must agree. Runs when memory is full: it makes room and keeps
promises. A settle whose lease was lost is evidence if the channel accepted, else it changes nothing. Settling twice is harmless.

KEYS  1 facts (stream)  2 dead (zset)  3-13 q, later, lane, ready 0-3, due 0-3  14 ways (zset)
      then per message m:M (string), w:hash (string; m:M again when there is none), told:C (hash), rc:A (zset),
      spent:month (hash; m:M again when it costs nothing)
ARGV  1 offset (ms)  2 tau (ms)  3 batch (JSON)  4.. one sealed stub per message ('' = keep the body)
      batch: [{a, m member, f fence, o outcome, at ms (by the caller's clock), w how long from now (ms, -1: until `at`), hold ms, r reason, st state, n attempt, ttl ms, T ms, ev ms, d detail, sent (header),
               pair bool: the channel refused for the pair rate, so the lane's whole debt is waited for,
               ow bool: where it ends, another way is tried; rc ms: receipts by time are due for it, sent then (0 none),
               sp {fields of spent:month}, cost (millionths), spt: how long a month's counters are kept (ms)}]
      outcome: a accepted; r retry at; h hold the lane until at, no attempt spent; l later at, no attempt spent; u uncertain;
               x finished as state st for reason r
RETURNS per message: settled evidence double old gone replaced ended
--]]
-- include base
-- include lane
-- include message
-- include finish
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local tau = tonumber(ARGV[2])
local batch = cjson.decode(ARGV[3])
local set = lane_set(3)
local answers = {}
for k, item in ipairs(batch) do
  local first = 15 + (k - 1) * 5
  local key, wkey, told, rckey = KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3]
  local stub = ARGV[3 + k]
  local a, mid = item.a, message_of(item.m)
  local lane = lane_load(set.lane, a)
  local header, body = message_read(key)
  local mine = lane.out == mid and lane.fence == item.f
  local queued = redis.call('ZSCORE', set.q, item.m) or redis.call('ZSCORE', set.later, item.m)
  local answer
  if not header then
    answer = 'gone'
    if mine then lane.out = ''; place(set, a, lane, now, tau) end
  elseif not queued then
    -- Evidence was faster than the answer, or it was taken out or settled before.
    if mine then lane.out = ''; place(set, a, lane, now, tau) end
    if header[STATE] == 'a' and tonumber(header[ATTEMPT]) == item.n then answer = 'settled'
    elseif item.o == 'a' and header[STATE] == 'a' then
      answer = 'double'
      fact(KEYS[1], now, 'double', message_ids(header, mid), 'attempt=' .. item.n)
    else answer = 'gone' end
  elseif not mine and item.o ~= 'a' then
    answer = 'old'
  else
    answer = mine and 'settled' or 'evidence'
    local out = item.o
    local tried = item.n > 0 or tonumber(header[ATTEMPT]) > 0 or (mine and lane.att > 1)
    header[ATTEMPT] = text(item.n)
    if out == 'r' or out == 'h' or out == 'l' then
      local why = superseded(told, header[TOLD], tonumber(header[VERSION]))
      if why then
        out, item.st, item.r, answer = 'x', string.sub(why, 1, 1), why, why
      end
    end
    -- Two clocks, one of which may be wrong: only where it is too late by both is it over.
    local theirs = item.at
    if item.w >= 0 then item.at = now + item.w end
    if out == 'r' and math.min(theirs, item.at) >= tonumber(header[DEADLINE]) then
      out, item.st, item.r = 'x', 'd', 'retries_exhausted'
    end
    if mine then lane.out = '' end
    local ids = message_ids(header, mid)
    if out == 'a' then
      unsure_take(lane, mid)
      if (item.sent or '') ~= '' then header[CONVERSATION], header[SENT] = header[CONVERSATION] or '', item.sent end
      finish(set, key, header, stub ~= '' and stub or body, mid, 'a', '', told, text(item.ttl), true)
      if wkey ~= key then redis.call('SET', wkey, mid, 'PX', text(item.ttl)) end
      if (item.rc or 0) > 0 then receipt_due(rckey, mid, item.rc, item.ttl) end
      spend(KEYS[first + 4], item.sp or {}, item.cost or 0, item.spt or 0)
      if item.hold > 0 and lane.seen == 1 then
        lane.hold, lane.hfor, lane.seen = now + item.hold, mid, 0
      end
      fact(KEYS[1], now, 'accepted', ids, 'attempt=' .. item.n .. ' ' .. item.d)
    elseif out == 'u' then
      unsure_put(lane, mid, 0, prio_of(item.m), now, now + item.ev)
      message_write(key, header, body)
      fact(KEYS[1], now, 'uncertain', ids, 'attempt=' .. item.n .. ' why=' .. item.r)
    elseif out == 'r' or out == 'h' or out == 'l' then
      if out ~= 'r' then header[ATTEMPT] = text(item.n - 1); lane.tat = math.max(lane.tat - item.T, 0) end
      -- By the clock of who settles, which may be behind: put off until a time that is over, it would be handed out in a circle.
      if out ~= 'r' then item.at = math.max(item.at, now + 1000) end
      if item.pair then item.at = math.max(item.at, lane.tat) end
      if out == 'l' or item.at - now > 60000 then
        redis.call('ZREM', set.q, item.m)
        redis.call('ZADD', set.later, text(item.at), item.m)
        header[DUE] = text(item.at)
      else
        back_put(lane, now, prio_of(item.m), item.at)
      end
      header[REASON] = item.r
      message_write(key, header, body)
      fact(KEYS[1], now, out == 'r' and 'retry' or (out == 'h' and 'held' or 'later'), ids,
        'attempt=' .. item.n .. ' at=' .. text(item.at) .. ' why=' .. item.r .. ' ' .. item.d)
    else
      unsure_take(lane, mid)
      if item.n == 0 then lane.tat = math.max(lane.tat - item.T, 0) end
      if item.st == 'r' or item.st == 'e' then  -- what took its place is known now, and not any more when somebody asks
        local why, by = superseded(told, header[TOLD], tonumber(header[VERSION]))
        if why == item.r and by ~= '' then item.d = 'by=' .. by .. ' ' .. item.d end
      end
      finish(set, key, header, stub ~= '' and stub or body, mid, item.st, item.r, told, text(item.ttl), tried)
      if item.st == 'd' then redis.call('ZADD', KEYS[2], text(now), mid) end
      if item.ow and (item.st == 'd' or item.st == 's') then redis.call('ZADD', KEYS[14], text(now), mid)
      else redis.call('ZREM', KEYS[14], mid) end
      local kind = ({s = 'suppressed', r = 'replaced', e = 'ended', x = 'expired', d = 'dead', f = 'failed'})[item.st]
      fact(KEYS[1], now, kind, ids, 'nt=' .. header[NOTIFICATION] .. ' reason=' .. item.r .. ' ' .. item.d)
    end
    place(set, a, lane, now, tau)
  end
  answers[k] = answer
end
return answers
