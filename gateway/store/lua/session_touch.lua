--[[ session_touch: look at a session and, where somebody is at the keyboard, note that.

One step, because a request that is late must not open what has just been locked.

KEYS  1 session:H (string: JSON, values are strings but made)
ARGV  1 offset (ms)  2 '1' somebody is at the keyboard  3 locked after so long without (ms)  4 it ends so long after it was made (ms)
RETURNS {JSON, '1' locked or '0'}; false when it has ended
--]]
local raw = redis.call('GET', KEYS[1])
if not raw then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local value = cjson.decode(raw)
local left = value.made + tonumber(ARGV[4]) - now
if left <= 0 then
  redis.call('DEL', KEYS[1])
  return false
end
-- A session of before there was a lock has no `seen`; it ended by itself when nobody was there.
local seen = tonumber(value.seen or '0')
if value.seen and now - seen >= tonumber(ARGV[3]) or value.locked then return {raw, '1'} end
-- Every few seconds is often enough.
if ARGV[2] == '1' and now - seen >= 5000 then
  value.seen = string.format('%.0f', now)
  raw = cjson.encode(value)
  redis.call('SET', KEYS[1], raw, 'PX', left)
end
return {raw, '0'}
