--[[ event_close: an event whose every cursor was seen done twice leaves the stream.

KEYS  1 ev (stream)  2 evw (zset)  3 evt (hash)  4 facts (stream)
ARGV  1 offset (ms)  2 E  3 stream id  4 detail
RETURNS 1 closed now, 0 was closed
--]]
-- include base
redis.call('XDEL', KEYS[1], ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[2])
if redis.call('ZREM', KEYS[2], ARGV[2] .. '|' .. ARGV[3]) == 1 then
  fact(KEYS[4], now_of(KEYS[4], tonumber(ARGV[1])), 'closed', ARGV[2], ARGV[4])
  return 1
end
return 0
