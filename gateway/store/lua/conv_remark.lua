--[[ conv_remark: something that happened at the channel gets its line in the thread, for colleagues' eyes, once.

One step with the revision, so that the desk hears of it.

KEYS  1 cv:V  2 ct:V  3 vk:hash (string)  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 author  4 at (ms)  5 form  6 entry key  7 sealed body  8 keep the key (ms)
RETURNS 1 added | 0 known, or no such conversation
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or redis.call('GET', KEYS[3]) then return 0 end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
conv_entry(KEYS[2], math.min(tonumber(ARGV[4]), now), 'note', ARGV[3], '', '', ARGV[6], '', ARGV[5], ARGV[7])
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {})
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[8])
return 1
