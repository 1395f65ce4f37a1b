--[[ conv_try: count a failed sign-in, by name or by where it came from. The count ends by itself, `window` after the first.

KEYS  1 try:hash (string)
ARGV  1 window (ms)
RETURNS the count
--]]
local count = redis.call('INCR', KEYS[1])
if count == 1 or redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
