--[[ subscribe: the second half: both sides of the index in the contact's own partition.

KEYS  1 su:J (zset)  2 cs:C (hash)  3 f:C (hash)  4 facts (stream)
ARGV  1 offset (ms)  2 C  3 J  4 refs (comma separated hashes of orders)  5 until (ms)
RETURNS added | changed | same | moved | erasing
--]]
-- include base
local f = redis.call('HMGET', KEYS[3], 'erasing', 'moved')
if f[1] then return 'erasing' end
if f[2] then return 'moved' end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local value = ARGV[5] .. '|' .. ARGV[4]
local old = redis.call('HGET', KEYS[2], ARGV[3])
if old == value then return 'same' end
redis.call('HSET', KEYS[2], ARGV[3], value)
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('HDEL', KEYS[3], 'left:' .. ARGV[3])
if old then return 'changed' end
fact(KEYS[4], now, 'subscribed', ARGV[2] .. ' ' .. ARGV[3], '')
return 'added'
