--[[ templates_sync: some of the list as just read from the channel, over what is known; what was heard meanwhile stays.

The reading took a while. A word of the channel that came after it began is newer than the list, whatever the two clocks say, so
it is not undone. A long list comes in pieces: what is known of one template depends on no other, and nobody waits for thousands.

KEYS  1 templates:S (hash)
ARGV  1 when the reading began, by the store's clock (ms)  2 the time that its values are given (ms)  3 how many values each has
      then for each template its field (template:language), and name, value of each
RETURNS 1
--]]
-- include template
local began, width = tonumber(ARGV[1]), tonumber(ARGV[3]) * 2 + 1
local times = ARGV[2] .. ' ' .. string.format('%.0f', began - 1)
for i = 4, #ARGV, width do
  local known = load_template(redis.call('HGET', KEYS[1], ARGV[i]))
  local kept = {}
  for j = i + 1, i + width - 1, 2 do
    local name = ARGV[j]
    if known[name] ~= nil and heard_at(known, name) >= began then
      kept[name] = times_of(known, name)
    else
      known[name] = ARGV[j + 1]
    end
  end
  kept['*'] = times
  known.t = kept
  save_template(KEYS[1], ARGV[i], known)
end
return 1
