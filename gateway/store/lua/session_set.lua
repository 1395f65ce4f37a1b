--[[ session_set: change named fields of a session, if each still is what the caller saw.

One step, because several processes and pages change one session: one of them notes that it was locked, one opens it, one renews
what its provider said.

KEYS  1 session:H (string: JSON, values are strings but made)
ARGV  1 offset (ms)  then triples: name, what it is ('*' anything, '' nothing), what it becomes ('' nothing, '@' now in ms)
RETURNS 1 changed, 0 it has ended or is another
--]]
local raw = redis.call('GET', KEYS[1])
if not raw then return 0 end
local value = cjson.decode(raw)
for i = 2, #ARGV, 3 do
  if ARGV[i + 1] ~= '*' and (value[ARGV[i]] or '') ~= ARGV[i + 1] then return 0 end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for i = 2, #ARGV, 3 do
  local new = ARGV[i + 2]
  if new == '@' then new = string.format('%.0f', now) end
  if new == '' then value[ARGV[i]] = nil else value[ARGV[i]] = new end
end
redis.call('SET', KEYS[1], cjson.encode(value), 'KEEPTTL')
return 1
