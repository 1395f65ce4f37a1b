#!lua flags=allow-oom
--[[ signs_put: one process says how it is, and who has been silent too long is forgotten.

One step, because a process that looks for the silent ones and then removes them could remove one that spoke in between. The time
is the server's: the processes' own clocks may be what is wrong. Runs when memory is full: just then somebody must be told.

KEYS  1 signs (hash)
ARGV  1 instance  2 figures (JSON), or '' to leave in good order  3 forget after (ms)
RETURNS the server's time (ms)
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
end
local all = redis.call('HGETALL', KEYS[1])
for place = 1, #all, 2 do
  local at = tonumber(string.match(all[place + 1], '^%d+') or '0')
  if now - at > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[place]) end
end
return string.format('%.0f', now)
