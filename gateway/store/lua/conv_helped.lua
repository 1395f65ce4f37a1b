--[[ conv_helped: somebody said whether an automatic answer helped. One fact for each answer, however often it is handled.

KEYS  1 facts  2 vk:hash (string)
ARGV  1 offset (ms)  2 V  3 C  4 'yes' or 'no'  5 keep the key (ms)
RETURNS 1 noted | 0 known
--]]
-- include base
if not redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5], 'NX') then return 0 end
fact(KEYS[1], now_of(KEYS[1], tonumber(ARGV[1])), 'helped', ARGV[2] .. ' ' .. ARGV[3], 'answer=' .. ARGV[4])
return 1
