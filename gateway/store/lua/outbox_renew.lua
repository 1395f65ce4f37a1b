#!lua flags=allow-oom
--[[ outbox_renew: a slow send keeps its lease. Runs when memory is full: a lease lost for want of room makes a send uncertain.

KEYS  1 facts (stream)  2-12 q, later, lane, ready 0-3, due 0-3
ARGV  1 offset (ms)  2 lease (ms)  then per lease A, fence
RETURNS per lease 1 still mine (renewed), 0 lost
--]]
-- include base
-- include lane
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local set = lane_set(2)
local answers = {}
for k = 3, #ARGV, 2 do
  local a, fence = ARGV[k], tonumber(ARGV[k + 1])
  local lane = lane_load(set.lane, a)
  if lane.out ~= '' and lane.fence == fence then
    lane.till = now + tonumber(ARGV[2])
    redis.call('ZADD', set.due[tonumber(string.sub(lane.at, 2, 2)) + 1], text(lane.till), a)
    lane_save(set.lane, a, lane)
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
return answers
