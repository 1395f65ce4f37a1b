--[[ stop_over: take a brake out whose time is past, if it is still the one that was seen.

One step, because whoever saw it may be slow, and somebody may have pulled it again meanwhile, for longer.

KEYS  1 stops (hash)
ARGV  1 field (scope)  2 the brake as it was read (JSON)
RETURNS 1 it was taken out, 0 it is another one by now, or gone
--]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
