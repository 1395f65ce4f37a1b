--[[ unsubscribe: one contact hears no more about one subject.

KEYS  1 su:J (zset)  2 cs:C (hash)  3 facts (stream)
ARGV  1 offset (ms)  2 C  3 J  4 why
RETURNS 1 removed, 0 was not subscribed
--]]
-- include base
redis.call('ZREM', KEYS[1], ARGV[2])
if redis.call('HDEL', KEYS[2], ARGV[3]) == 1 then
  fact(KEYS[3], now_of(KEYS[3], tonumber(ARGV[1])), 'unsubscribed', ARGV[2] .. ' ' .. ARGV[3], 'why=' .. ARGV[4])
  return 1
end
return 0
