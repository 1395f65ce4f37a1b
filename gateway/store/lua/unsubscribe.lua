--[[ unsubscribe: one contact hears no more about one subject, neither of what is planned already.

One step, because a fan-out may be planning them at this moment: `left:J` names when they left, for whoever plans or delivers, and
the consents' version goes up, so that what was planned without knowing it is not enqueued. `left:J` goes when they follow J again,
and otherwise with the first one that leaves eight days later: no message lives longer.

KEYS  1 su:J (zset)  2 cs:C (hash)  3 facts (stream)  4 f:C (hash)
ARGV  1 offset (ms)  2 C  3 J  4 why  5 how long a message may live (ms)
RETURNS 1 removed, 0 was not subscribed
--]]
-- include base
redis.call('ZREM', KEYS[1], ARGV[2])
if redis.call('HDEL', KEYS[2], ARGV[3]) == 0 then return 0 end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local f = redis.call('HGETALL', KEYS[4])
if #f > 0 then
  for k = 1, #f, 2 do
    if string.sub(f[k], 1, 5) == 'left:' and tonumber(f[k + 1]) < now - tonumber(ARGV[5]) then redis.call('HDEL', KEYS[4], f[k]) end
  end
  redis.call('HSET', KEYS[4], 'left:' .. ARGV[3], text(now))
  redis.call('HINCRBY', KEYS[4], 'cv', 1)
end
fact(KEYS[3], now, 'unsubscribed', ARGV[2] .. ' ' .. ARGV[3], 'why=' .. ARGV[4])
return 1
