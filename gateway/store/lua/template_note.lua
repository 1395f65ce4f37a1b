--[[ template_note: overlay what was heard about one template, each of its values by its own time.

A state that is older than the state we know changes nothing, and neither does an older category: but a late word about one does
not depend on the other, so each value has a time of its own. In one step, because webhooks, sends and the sync write side by side.

What a send of ours showed has no time of the channel's. It counts at once, and until the channel itself says something that is not
older than its last word: our clock may be ahead of the channel's, which tells whole seconds.

KEYS  1 templates:S (hash)
ARGV  1 offset (ms)  2 field (template:language)  3 when it was so, by the channel (ms); "" = a send showed it
      then name, value of each
RETURNS 1 something changed, 0 it was all older or the same
--]]
-- include template
local clock = redis.call('TIME')
local heard = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1]))
local known = load_template(redis.call('HGET', KEYS[1], ARGV[2]))
local changed = 0
for i = 4, #ARGV, 2 do
  local before = so_at(known, ARGV[i])
  local at = ARGV[3] ~= '' and tonumber(ARGV[3]) or before
  if at >= before then
    if known[ARGV[i]] ~= ARGV[i + 1] then changed = 1 end
    known[ARGV[i]] = ARGV[i + 1]
    known.t[ARGV[i]] = string.format('%.0f', at) .. ' ' .. heard
  end
end
save_template(KEYS[1], ARGV[2], known)
return changed
