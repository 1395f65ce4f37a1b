--[[ crisis_begin: a crisis about one subject begins, unless there is one.

One step, because two people may declare the same crisis at once: the second is shown the first's. It lies among the brakes, so
that every process reads it with them.

KEYS  1 stops (hash)
ARGV  1 field (crisis:J)  2 crisis (JSON)
RETURNS the crisis that was there ('' = it began)
--]]
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then return known end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ''
