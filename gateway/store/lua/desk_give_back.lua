--[[ desk_give_back: a reservation is not needed any more: its conversation has its slot, or never became this agent's.

By its token, so that nobody gives back what somebody else reserved.

KEYS  1 {desk}slots:G (hash)  2 {desk}res (zset)
ARGV  1 G  2 token
RETURNS 1 it was there | 0 not any more
--]]
redis.call('ZREM', KEYS[2], ARGV[1] .. '|' .. ARGV[2])
return redis.call('HDEL', KEYS[1], 'r:' .. ARGV[2])
