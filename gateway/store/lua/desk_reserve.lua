--[[ desk_reserve: one of an agent's slots for one conversation, before the conversation is theirs.

One step, because whoever counts and then writes lets two in at once. Live conversations and reservations count together, each
conversation once. Who asks again with the same token has it already. What no bind follows is taken out by its token, or by the
sweep after a minute: a bind refuses a reservation long before that.

KEYS  1 {desk}slots:G (hash: V -> l; r:token -> V|at)  2 {desk}a:G (hash)  3 {desk}mine:G (zset)  4 {desk}res (zset: G|token -> at)
ARGV  1 offset (ms)  2 G  3 V  4 token  5 live at most (0 no limit)  6 theirs at most (0 no limit)  7 gap (ms; 0 none)
      8 status they must have, '' any (several: a,b)  9 unreachable after (ms)
RETURNS {reserved, at (ms)} | {full} | {owned} | {away} | {gap}
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local mine = 'r:' .. ARGV[4]
local raw = redis.call('HGETALL', KEYS[1])
local taken, live = {}, 0
for k = 1, #raw, 2 do
  local conversation = raw[k]
  if string.sub(conversation, 1, 2) == 'r:' then
    local whose, at = string.match(raw[k + 1], '^([^|]*)|(.*)$')
    if conversation == mine then return {'reserved', at} end
    conversation = whose
  end
  if not taken[conversation] then
    taken[conversation], live = true, live + 1
  end
end
if ARGV[8] ~= '' then
  local here = redis.call('HMGET', KEYS[2], 'st', 'b', 'g')
  if not here[1] or not string.find(',' .. ARGV[8] .. ',', ',' .. here[1] .. ',', 1, true) then return {'away'} end
  if now - tonumber(here[2] or '0') >= tonumber(ARGV[9]) then return {'away'} end
  if now - tonumber(here[3] or '0') < tonumber(ARGV[7]) then return {'gap'} end
end
if not taken[ARGV[3]] then
  if tonumber(ARGV[5]) > 0 and live >= tonumber(ARGV[5]) then return {'full'} end
  if tonumber(ARGV[6]) > 0 then
    local owned, known = live, false
    for _, conversation in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
      if conversation == ARGV[3] then known = true end
      if not taken[conversation] then owned = owned + 1 end
    end
    if not known and owned >= tonumber(ARGV[6]) then return {'owned'} end
  end
end
local at = string.format('%.0f', now)
redis.call('HSET', KEYS[1], mine, ARGV[3] .. '|' .. at)
redis.call('ZADD', KEYS[4], at, ARGV[2] .. '|' .. ARGV[4])
if tonumber(ARGV[7]) > 0 and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'g', at) end
return {'reserved', at}
