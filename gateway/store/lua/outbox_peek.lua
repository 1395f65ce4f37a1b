#!lua flags=no-writes
--[[ outbox_peek: what could be sent now in one partition for one sender, and when to look again.

Reads only, about 10 us: the dispatcher asks all partitions in one pipeline before it spends a token.

KEYS  1 later (zset)  2-5 ready 0-3 (zset)  6-9 due 0-3 (zset)
ARGV  1 how many deadlines to name per priority  2 offset (ms)
RETURNS {how long until something is due (ms; 0 or less: it is) or '', [per priority: deadlines (s) of the first lanes]}
--]]
local due = nil
for _, place in ipairs({1, 6, 7, 8, 9}) do
  local first = redis.call('ZRANGE', KEYS[place], 0, 0, 'WITHSCORES')
  if first[2] then
    local at = tonumber(first[2])
    if not due or at < due then due = at end
  end
end
local ready = {}
for prio = 0, 3 do
  local found = redis.call('ZRANGE', KEYS[2 + prio], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
  local deadlines = {}
  for k = 2, #found, 2 do deadlines[#deadlines + 1] = found[k] end
  ready[prio + 1] = deadlines
end
-- How long, and not when: the caller's own clock may be wrong, and it would look too late, or all the time.
local wait = ''
if due then
  local time = redis.call('TIME')
  wait = string.format('%.0f', due - time[1] * 1000 - math.floor(time[2] / 1000) - tonumber(ARGV[2]))
end
return {wait, ready}
