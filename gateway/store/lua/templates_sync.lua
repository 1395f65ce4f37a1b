--[[ templates_sync: the whole list as just read from the channel, over what is known; what was heard meanwhile stays.

The reading took a while. A word of the channel that came after it began is newer than the list, whatever the two clocks say, so
it is not undone. What the list does not name any more is gone, unless it was heard of meanwhile.

KEYS  1 templates:S (hash)
ARGV  1 when the reading began, by the store's clock (ms)  2 the time that its values are given (ms)  3 how many values each has
      then for each template its field (template:language), and name, value of each
RETURNS how many were taken out
--]]
-- include template
local began, width = tonumber(ARGV[1]), tonumber(ARGV[3]) * 2 + 1
local before = string.format('%.0f', began - 1)
local listed = {}
for i = 4, #ARGV, width do
  local field = ARGV[i]
  listed[field] = true
  local known = load_template(redis.call('HGET', KEYS[1], field))
  for j = i + 1, i + width - 1, 2 do
    local name = ARGV[j]
    if known[name] == nil or heard_at(known, name) < began then set_value(known, name, ARGV[j + 1], ARGV[2], before) end
  end
  save_template(KEYS[1], field, known)
end
local gone = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if not listed[field] then
    local known = load_template(redis.call('HGET', KEYS[1], field))
    local last = 0
    for name in pairs(known.t) do last = math.max(last, heard_at(known, name)) end
    if last < began then gone = gone + redis.call('HDEL', KEYS[1], field) end
  end
end
return gone
