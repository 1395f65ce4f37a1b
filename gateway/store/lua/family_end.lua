#!lua flags=allow-oom
--[[ family_end: it is over: nobody comes in any more, and whoever looks at it next tells its members and erases the list.

KEYS  1 fam:F (hash)  2 famdue (zset)  3 facts (stream)
ARGV  1 offset (ms)  2 F  3 why
RETURNS 1 ended by this, 0 there is none, or it had ended
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'made', 'ended')
if not f[1] or f[2] then return 0 end
local now, members = now_of(KEYS[3], tonumber(ARGV[1])), 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'm:' then members = members + 1 end
end
redis.call('HSET', KEYS[1], 'ended', text(now), 'why', ARGV[3], 'until', text(now))
redis.call('ZADD', KEYS[2], text(now), ARGV[2])
fact(KEYS[3], now, 'family_ended', ARGV[2], 'why=' .. ARGV[3] .. ' members=' .. members)
return 1
