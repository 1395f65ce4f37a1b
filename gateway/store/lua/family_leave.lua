#!lua flags=allow-oom
--[[ family_leave: one is a member no more; whom the traveller takes out does not come in again by any link.

KEYS  1 fam:F (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 F  3 C  4 why
RETURNS 1 taken out, 0 was none
--]]
-- include base
if redis.call('HEXISTS', KEYS[1], 'made') == 0 then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
if ARGV[4] == 'removed' then redis.call('HSET', KEYS[1], 'x:' .. ARGV[3], text(now)) end
if redis.call('HDEL', KEYS[1], 'm:' .. ARGV[3]) == 0 then return 0 end
fact(KEYS[2], now, 'family_left', ARGV[2] .. ' ' .. ARGV[3], 'why=' .. ARGV[4])
return 1
