--[[ conv_heard: the desk knows this revision; unless a newer one came, nobody need tell it again.

KEYS  1 vd (zset)
ARGV  1 V  2 revision
RETURNS 1 taken out | 0 newer news waits
--]]
local waiting = redis.call('ZSCORE', KEYS[1], ARGV[1])
if waiting and tonumber(waiting) <= tonumber(ARGV[2]) then return redis.call('ZREM', KEYS[1], ARGV[1]) end
return 0
