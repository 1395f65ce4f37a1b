--[[ desk_recount: one slot of an agent's is as its conversation says, where it was not.

Only if the desk knows the conversation at the revision that the caller read: then nothing newer was told of it meanwhile, and what
stands in the slots is wrong and not merely early. Reservations are left alone.

KEYS  1 {desk}slots:G (hash)  2 {desk}at (hash)
ARGV  1 V  2 revision seen ('' the conversation is gone)  3 live with this agent '0'/'1'
RETURNS 1 mended | 0 it was right, or is moving
--]]
local known = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^(%d+)|')
if (known or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '0' then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return redis.call('HSETNX', KEYS[1], ARGV[1], 'l')
