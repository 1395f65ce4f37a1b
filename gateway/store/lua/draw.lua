#!lua flags=allow-oom
--[[ draw: hand a process up to `want` tokens of a sender, by priority.

Bulk draws only above 30% of the bucket, normal above 15, urgent above 5, agents always: a storm leaves room for a gate change.
A bucket holds two tokens at least: of a smaller one, what must stay would be all there is, and bulk would wait for ever. While the
channel has the sender send slower, bucket and rate are that much smaller. A clock set back gives nothing and takes nothing.
Runs when memory is full: sending makes room.

KEYS  1 {s:S}b (hash)
ARGV  1 offset (ms)  2 rate (tokens a second)  3 burst (tokens)  then want for priority 0, 1, 2, 3
RETURNS {granted 0, 1, 2, 3, wait (ms) until one more may be had}
--]]
-- include bucket
local now = bucket_now(tonumber(ARGV[1]))
local state = redis.call('HMGET', KEYS[1], 'level', 'at', 'rate', 'slow')
local share = share_at(tonumber(state[3] or '1'), tonumber(state[4] or '0'), now)
local own = tonumber(ARGV[2])
local function rate_at(time)
  return math.max(own * share_at(tonumber(state[3] or '1'), tonumber(state[4] or '0'), time), math.min(own, 0.5))
end
local rate = rate_at(now)
-- What passed is counted at the rate of its end, which may have risen by then. Told to wait for as long as today's rate takes,
-- whoever comes back finds more than the one token, and others take it first. After an even number of steps it is not too short.
-- And reckoned from the level as it is kept: half a thousandth less than what is here is a millisecond of a slow sender.
local function kept(tokens) return tonumber(string.format('%.3f', tokens)) end
local function wait_for(tokens)
  local ms = tokens * 1000 / rate
  for _ = 1, 4 do ms = tokens * 1000 / rate_at(now + ms) end
  return math.ceil(ms)
end
local burst = math.max(tonumber(ARGV[3]) * share, 2)
local level = math.min(burst, tonumber(state[1] or burst))
local at = tonumber(state[2] or '0')
if now > at then level = math.min(burst, level + (now - at) * rate / 1000) end
local floor = {0, 0.05, 0.15, 0.30}
local granted, wait = {}, 0
for prio = 1, 4 do
  local want = tonumber(ARGV[3 + prio])
  local room = math.max(0, math.floor(level - burst * floor[prio] + 0.000001))
  local got = math.min(want, room)
  granted[prio] = got
  level = level - got
  if got < want and wait == 0 then wait = wait_for(1 + burst * floor[prio] - kept(level)) end
end
redis.call('HSET', KEYS[1], 'level', string.format('%.3f', level), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], 86400000)
return {granted[1], granted[2], granted[3], granted[4], math.max(wait, 0)}
