--[[ desk_park: one of the places in which an agent may park something, before the conversation is parked.

One step, because whoever counts and then writes lets two in at once. Each conversation has one place, whose time is when it was
last asked for: no place that was asked for of late is taken out, for its conversation may be about to be parked. A place of time 0
belongs to what was seen parked, or to what was not parked after all: whoever finds all places taken looks which these are.

KEYS  1 {desk}parked:G (zset: V -> ms)
ARGV  1 offset (ms)  2 V  3 at most (0 no limit)  4 keep (ms)  5.. what is parked by their conversations
RETURNS {1, at (ms)} | {0, V, ms, V, ms ...} all are taken
--]]
for k = 5, #ARGV do redis.call('ZADD', KEYS[1], 'NX', 0, ARGV[k]) end
local others = redis.call('ZCARD', KEYS[1]) - (redis.call('ZSCORE', KEYS[1], ARGV[2]) and 1 or 0)
if tonumber(ARGV[3]) > 0 and others >= tonumber(ARGV[3]) then
  local taken = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  table.insert(taken, 1, 0)
  return taken
end
local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1]))
redis.call('ZADD', KEYS[1], at, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, at}
