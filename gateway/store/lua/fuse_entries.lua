--[[ fuse_entries: what later subscribers are told of a held event is taken back, and given again once it is released.

KEYS  1 j:J (hash)
ARGV  1 sequence of the event  then pairs: field (nt:...), sealed entry ('' = take it back)
      Given again only where nothing newer was applied since: what ended it meanwhile stays true.
RETURNS how many fields changed
--]]
local changed = 0
for k = 2, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[k])
  if ARGV[k + 1] == '' then
    if known and string.match(known, '^%d+') == ARGV[1] then changed = changed + redis.call('HDEL', KEYS[1], ARGV[k]) end
  elseif not known and redis.call('HGET', KEYS[1], 'n') == ARGV[1] then
    redis.call('HSET', KEYS[1], ARGV[k], ARGV[1] .. '|' .. ARGV[k + 1])
    changed = changed + 1
  end
end
return changed
