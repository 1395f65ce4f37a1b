--[[ timer_drop: a due moment that nobody can tell of leaves the timers, unless it was set anew since it was seen.

One step, because its subject may set it again at any time, and a timer that is lost is never set for the same time again.

KEYS  1 timers (zset)  2 j:J (hash)
ARGV  1 J  2 moment  3 mo:<moment> as it was seen ('' none)
RETURNS 1 dropped, 0 it stands otherwise now
--]]
local field = 'mo:' .. ARGV[2]
if (redis.call('HGET', KEYS[2], field) or '') ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[2], field)
return redis.call('ZREM', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
