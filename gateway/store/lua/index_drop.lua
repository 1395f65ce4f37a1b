#!lua flags=allow-oom
--[[ index_drop: an address or a customer number leads to this contact no more. Compared first: it may be somebody
else's by now.

KEYS  1 a:hash or x:hash (string)
ARGV  1 C
RETURNS 1 dropped, 0 it was not theirs
--]]
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^[^|]*') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
