--[[ invitation_until: an invitation whose maker said no end ends with its order, which has become known or has moved.

KEYS  1 iv:I (hash)
ARGV  1 until (ms)  2 keep until (ms)
RETURNS 1 set, 0 gone, claimed or revoked
--]]
local f = redis.call('HMGET', KEYS[1], 'until', 'who', 'revoked')
if not f[1] or f[2] or f[3] then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[1])
if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return 1
