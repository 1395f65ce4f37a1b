--[[ event_begin: say that work on an event begins, unless somebody else began it since it was seen to be due.

One step, because two processes may see the same event due: the time in `evw` is who works on it. A repeated call (an answer that
was lost) finds its own time there and is told the same.

KEYS  1 evw (zset)  2 evt (hash)
ARGV  1 member of evw  2 E  3 the time it was seen with (ms)  4 when others may look again (ms)
RETURNS how often it was begun, this time included; 0 = somebody else has it, or it is closed
--]]
-- include base
local at = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1')
if at == tonumber(ARGV[4]) then return tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '1') end
if at ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], text(tonumber(ARGV[4])), ARGV[1])
return redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
