#!lua flags=allow-oom
--[[ people: count distinct people written to outside a service window in 24 hours, against the portfolio's tier.

Runs when memory is full: sending makes room.

KEYS  1 {f:portfolio}p (zset)
ARGV  1 offset (ms)  2 tier (-1 unlimited)  then hashed recipients
RETURNS {at ms when a place falls free, per recipient 1 counted 0 over}
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 86400000))
local tier = tonumber(ARGV[2])
local count = redis.call('ZCARD', KEYS[1])
local answers = {0}
for k = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[k]) then
    answers[#answers + 1] = 1
  elseif tier < 0 or count < tier then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[k])
    count = count + 1
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if first then answers[1] = tonumber(first) + 86400000 end
redis.call('PEXPIRE', KEYS[1], 90000000)
return answers
