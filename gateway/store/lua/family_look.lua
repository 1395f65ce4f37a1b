#!lua flags=allow-oom
--[[ family_look: when to look next at a family that is there; nothing where there is none.

KEYS  1 fam:F (hash)  2 famdue (zset)
ARGV  1 F  2 when (ms)  3 '1' = only if that is sooner than it stands
RETURNS 1 set, 0 not
--]]
local f = redis.call('HMGET', KEYS[1], 'until', 'c')
if not f[2] then return 0 end
if ARGV[3] == '1' and tonumber(f[1]) <= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
