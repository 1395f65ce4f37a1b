--[[ conv_out: a message that is sent by another way (an automatic answer) gets its line in the thread, once.

KEYS  1 cv:V  2 ct:V  3 vk:hash (string)  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 author  4 M  5 at (ms)  6 entry key  7 sealed body  8 keep the key (ms)
RETURNS 1 added | 0 known | -1 no such conversation
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return -1 end
if redis.call('GET', KEYS[3]) then return 0 end
conv_entry(KEYS[2], tonumber(ARGV[5]), 'out', ARGV[3], ARGV[4], '', ARGV[6], '', 'text', ARGV[7])
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {lo = text(math.max(tonumber(conv.lo), tonumber(ARGV[5])))})
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[8])
return 1
