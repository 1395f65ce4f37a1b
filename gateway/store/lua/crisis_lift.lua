--[[ crisis_lift: one person asks that a crisis ends, another one confirms it.

One step, because of two who ask at once the second confirms, and one who asks twice confirms nothing.

KEYS  1 stops (hash)
ARGV  1 field (crisis:J)  2 who  3 now (ms)  4 why  5 how long a request stands (ms)
RETURNS {'none'} | {'asked' | 'own' | 'lifted', the crisis as it was or is (JSON)}
--]]
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then return {'none'} end
local crisis = cjson.decode(raw)
local lift = crisis.lift
if type(lift) == 'table' and tonumber(ARGV[3]) - tonumber(lift.at) > tonumber(ARGV[5]) then lift = nil end
if type(lift) == 'table' then
  if lift.who == ARGV[2] then return {lift.at == ARGV[3] and 'asked' or 'own', raw} end
  redis.call('HDEL', KEYS[1], ARGV[1])
  return {'lifted', raw}
end
crisis.lift = {who = ARGV[2], at = ARGV[3], why = ARGV[4]}
raw = cjson.encode(crisis)
redis.call('HSET', KEYS[1], ARGV[1], raw)
return {'asked', raw}
