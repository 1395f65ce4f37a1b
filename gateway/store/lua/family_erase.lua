#!lua flags=allow-oom
--[[ family_erase: of a family that has ended, and whose members are told, nothing stays but that it was one and its last link.

KEYS  1 fam:F (hash)  2 famdue (zset)
ARGV  1 F  2 how long what is left is kept (ms)
RETURNS 1 erased, 0 it lasts
--]]
local f = redis.call('HMGET', KEYS[1], 'made', 'ended', 'n', 'o', 't', 'why')
if f[1] and not f[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if not f[1] then return 1 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'f', '1', 'made', f[1], 'ended', f[2], 'n', f[3], 'o', f[4], 't', f[5], 'why', f[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
