--[[ dead_replay: a dead letter goes back into its lane, at the end, as one more attempt of the same message.

One step, because it must leave the dead letters and stand in its lane together, and because newer news may be planned at the same
moment: whichever comes second sees the other. Whether it may be sent is decided again by dispatch, just before sending.
Asked twice it answers `queued` twice and stands in its lane once.

KEYS  1 facts (stream)  2 dead (zset)  3-13 q, later, lane, ready 0-3, due 0-3 of its sender  14 m:M  15 told:C  16 f:C
ARGV  1 offset (ms)  2 tau (ms)  3 M  4 new deadline (ms, 0 = its own)  5 keep it after its deadline (ms)  6 who
RETURNS queued | unknown (forgotten) | alive (neither dead nor failed) | discarded | expired | replaced | ended
        | other_way (another leg of it is on its way or arrived) | moved | erasing
--]]
-- include base
-- include lane
-- include message
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local tau, mid = tonumber(ARGV[2]), ARGV[3]
local set = lane_set(3)
local key, told = KEYS[14], KEYS[15]
local header, body = message_read(key)
if not header then return 'unknown' end
if header[STATE] == 'q' and string.find(header[REASON], '^replayed') then return 'queued' end
if header[STATE] ~= 'd' and header[STATE] ~= 'f' then return 'alive' end
if header[REASON] == 'discarded' then return 'discarded' end
local f = redis.call('HMGET', KEYS[16], 'erasing', 'moved')
if f[1] then return 'erasing' end
if f[2] then return 'moved' end
local deadline = tonumber(ARGV[4])
if deadline == 0 then deadline = tonumber(header[DEADLINE]) end
if deadline <= now then return 'expired' end
local version = tonumber(header[VERSION])
local why = superseded(told, header[TOLD], version)
if why then return why end
if header[TOLD] ~= '' then
  local last = told_read(told, header[TOLD])
  if last and last.mid ~= mid and (last.state == 'q' or last.state == 'a') then return 'other_way' end
end
-- Which attempt the channel took and then could not deliver: what it still says of that one says nothing of the next.
header[REASON] = header[STATE] == 'f' and 'replayed:' .. header[ATTEMPT] or 'replayed'
header[STATE], header[STATUS], header[STATUS_AT] = 'q', '0', '0'
header[DEADLINE], header[PLANNED], header[DUE] = text(deadline), text(now), '0'
-- As what the attempt that failed was accepted, and the channel's id of it: where evidence settles the next one before its own
-- answer does, the new id lies with the body, and the old one would hide it. Statuses of the old one find it by w:hash.
header[SENT] = nil
header[SEQ] = text(redis.call('HINCRBY', set.lane, '#seq', 1))
local ttl = text(deadline - now + tonumber(ARGV[5]))
message_write(key, header, body, ttl)
if header[TOLD] ~= '' then told_write(told, header[TOLD], version, mid, header[SENDER], 'q', ttl, mid) end
redis.call('ZREM', KEYS[2], mid)
redis.call('ZADD', set.q, 0, message_member(header, mid))
local a = header[ADDRESS]
place(set, a, lane_load(set.lane, a), now, tau)
fact(KEYS[1], now, 'replayed', message_ids(header, mid), 'who=' .. ARGV[6])
fact(KEYS[1], now, 'enqueued', message_ids(header, mid), 'nt=' .. header[NOTIFICATION] .. ' s=' .. header[SENDER]
  .. ' p=' .. header[PRIO] .. ' dl=' .. header[DEADLINE])
return 'queued'
