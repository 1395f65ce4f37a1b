#!lua flags=allow-oom
--[[ dead_discard: somebody has looked at a dead letter and lets it be. It leaves the list; its header stays for `trace`.

One step, because a replay at the same moment must find it either dead or discarded.

KEYS  1 facts (stream)  2 dead (zset)  3 m:M
ARGV  1 offset (ms)  2 M  3 who
RETURNS discarded | forgotten (its record had ended; it left the list) | alive (neither dead nor failed)
--]]
-- include base
-- include message
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local mid = ARGV[2]
local header, body = message_read(KEYS[3])
if not header then
  redis.call('ZREM', KEYS[2], mid)
  return 'forgotten'
end
if header[STATE] ~= 'd' and header[STATE] ~= 'f' then return 'alive' end
redis.call('ZREM', KEYS[2], mid)
if header[REASON] == 'discarded' then return 'discarded' end
header[STATE], header[REASON] = 'd', 'discarded'
message_write(KEYS[3], header, body)
fact(KEYS[1], now, 'discarded', message_ids(header, mid), 'nt=' .. header[NOTIFICATION] .. ' who=' .. ARGV[3])
return 'discarded'
