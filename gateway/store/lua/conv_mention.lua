--[[ conv_mention: remember a proactive message, so that whoever reads the answer sees what is answered. The last few, once each.

KEYS  1 pm:A (list)  2 co:C:hash (string)
ARGV  1 M  2 entry: M|notification|brand|sender|at|sealed text  3 how many  4 keep (ms)
RETURNS V of the last conversation there, '' when there is none
--]]
local prefix = ARGV[1] .. '|'
for _, raw in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if string.sub(raw, 1, #prefix) == prefix then return redis.call('GET', KEYS[2]) or '' end
end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[3]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return redis.call('GET', KEYS[2]) or ''
