--[[ event_unpark: an event that was set aside goes back among the open ones, once.

One step, so that it is in one of the two places whatever happens, and two operators who ask at once make one event of
it.

KEYS  1 facts (stream)  2 parked (stream)  3 ev (stream)  4 evw (zset)  5 evt (hash)  6 e:E (string)
ARGV  1 offset (ms)  2 E  3 its id in parked  4 sealed blob  5 ttl of e:E (ms)
RETURNS 1 put back, 0 it was not parked any more
--]]
-- include base
if redis.call('XDEL', KEYS[2], ARGV[3]) == 0 then return 0 end
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local place = redis.call('XADD', KEYS[3], '*', 'e', ARGV[2], 'b', ARGV[4])
local known = redis.call('GET', KEYS[6])
if known then
  redis.call('SET', KEYS[6], string.match(known, '^[^|]*') .. '|' .. place, 'PX', ARGV[5])
end
redis.call('HDEL', KEYS[5], ARGV[2])
redis.call('ZADD', KEYS[4], text(now), ARGV[2] .. '|' .. place)
fact(KEYS[1], now, 'event', ARGV[2], 'type=replayed')
return 1
