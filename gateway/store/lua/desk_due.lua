--[[ desk_due: when to look at a conversation again, for one at which was looked and nothing was to be done.

Only while the desk knows it at the revision that was looked at: what it was told since says better when.

KEYS  1 {desk}due (zset)  2 {desk}at (hash)
ARGV  1 V  2 revision seen  3 time of the next look (ms; 0 none)
RETURNS 1 | 0 the desk knows it at another revision
--]]
if string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^(%d+)|') ~= ARGV[2] then return 0 end
if ARGV[3] == '0' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
return 1
