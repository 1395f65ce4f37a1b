--[[ fan_open: an event's fan-out begins in one partition, unless it has begun (or is done) there.

What has begun and is not done stands among the fan-outs under way, whatever was lost since.

KEYS  1 fan (zset)  2 fanc (hash)
ARGV  1 E  2 member (J:n:E)  3 rank (priority, then deadline)
RETURNS cursor|done-at
--]]
local at = redis.call('HGET', KEYS[2], ARGV[1])
if at then
  if string.match(at, '|0$') then redis.call('ZADD', KEYS[1], 'NX', ARGV[3], ARGV[2]) end
  return at
end
redis.call('HSET', KEYS[2], ARGV[1], '|0')
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
return '|0'
