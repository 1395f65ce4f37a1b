--[[ invitation_put: keep a new invitation, once, beside its subject.

Repeated, it changes nothing: whoever asks again is answered with what was kept.

KEYS  1 iv:I (hash)  2 ij:J (set of invitations of a subject)  3 facts (stream)
ARGV  1 offset (ms)  2 I  3 sealed body  4 until (ms)  5 keep until (ms)  6 digest of the request  7 maker
RETURNS new | same | other (kept before, for another request)
--]]
-- include base
local known = redis.call('HGET', KEYS[1], 'digest')
if known then return known == ARGV[6] and 'same' or 'other' end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'b', ARGV[3], 'until', ARGV[4], 'digest', ARGV[6], 'by', ARGV[7], 'made', text(now))
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('SADD', KEYS[2], ARGV[2])
local left = redis.call('PEXPIRETIME', KEYS[2])
if left < tonumber(ARGV[5]) then redis.call('PEXPIREAT', KEYS[2], ARGV[5]) end
fact(KEYS[3], now, 'way_made', ARGV[2], '')
return 'new'
