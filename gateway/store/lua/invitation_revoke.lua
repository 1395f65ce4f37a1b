#!lua flags=allow-oom
--[[ invitation_revoke: from now on nobody comes in by it any more. Whoever came before stays.

KEYS  1 iv:I (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 I
RETURNS revoked | same | claimed | unknown
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'until', 'revoked', 'who')
if not f[1] then return 'unknown' end
if f[3] then return 'claimed' end
if f[2] then return 'same' end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'revoked', text(now))
fact(KEYS[2], now, 'way_revoked', ARGV[2], '')
return 'revoked'
