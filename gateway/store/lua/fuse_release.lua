--[[ fuse_release: let a held event go on, wholly or for so many people more; above a number two people must agree.

One step, because of two who release at once the second confirms, and one who does it twice confirms nothing.

KEYS  1 fuses (hash)
ARGV  1 E  2 who  3 now (ms)  4 why  5 people more ('' = all)  6 above how many a second person (0 = never)
      7 how long a request stands (ms)
RETURNS {'none'} | {'over' | 'own' | 'asked' | 'released', the entry as it is now (JSON)}
--]]
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then return {'none'} end
local entry = cjson.decode(raw)
local token = ARGV[2] .. ' ' .. ARGV[3]
if entry.last == token then return {'released', raw} end
if entry.state == 'released' or entry.state == 'discarded' then return {'over', raw} end
local part, second, asked = tonumber(ARGV[5]), tonumber(ARGV[6]), entry.asked
if type(asked) == 'table' and tonumber(ARGV[3]) - tonumber(asked.at) > tonumber(ARGV[7]) then asked = nil end
if second > 0 and (part or entry.people) > second then
  local same = type(asked) == 'table' and asked.part == ARGV[5]
  if same and asked.who == ARGV[2] then return {asked.at == ARGV[3] and 'asked' or 'own', raw} end
  if not same then
    entry.asked = {who = ARGV[2], at = ARGV[3], why = ARGV[4], part = ARGV[5]}
    raw = cjson.encode(entry)
    redis.call('HSET', KEYS[1], ARGV[1], raw)
    return {'asked', raw}
  end
end
entry.asked, entry.last, entry.by = nil, token, ARGV[2]
if part then
  entry.state, entry.allowed = 'part', (entry.state == 'part' and entry.allowed or entry.reached) + part
else
  entry.state = 'released'
end
raw = cjson.encode(entry)
redis.call('HSET', KEYS[1], ARGV[1], raw)
return {'released', raw}
