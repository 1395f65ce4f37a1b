#!lua flags=allow-oom
--[[ source_leave: take a reader that is gone out of a source's group. Only one that holds nothing: what a reader holds would
be forgotten with it. Counted and removed in one step, for between the two it might be handed something.

KEYS  1 a source's stream (stream)
ARGV  1 group  2 reader  3 idle for at least (ms)
RETURNS 1 removed, 0 it holds entries, was seen lately, or is unknown
--]]
local ask = redis.call -- commands of two words: the first thing after them is the key
for _, row in ipairs(ask('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local reader = {}
  for k = 1, #row, 2 do reader[row[k]] = row[k + 1] end
  if reader['name'] == ARGV[2] and reader['pending'] == 0 and reader['idle'] >= tonumber(ARGV[3]) then
    ask('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
