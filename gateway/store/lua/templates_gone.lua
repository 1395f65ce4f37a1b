--[[ templates_gone: take out templates that the channel's list does not name, unless they were heard of since it was asked for.

KEYS  1 templates:S (hash)
ARGV  1 when the reading began, by the store's clock (ms)  then fields (template:language)
RETURNS how many were taken out
--]]
-- include template
local gone = 0
for i = 2, #ARGV do
  local raw = redis.call('HGET', KEYS[1], ARGV[i])
  if raw then
    local known, last = load_template(raw), 0
    for name in pairs(known.t) do last = math.max(last, heard_at(known, name)) end
    if last < tonumber(ARGV[1]) then gone = gone + redis.call('HDEL', KEYS[1], ARGV[i]) end
  end
end
return gone
