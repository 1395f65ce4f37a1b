--[[ desk_presence: somebody at the desk gives a sign of life, chooses a status, or did not open what they were given.

One step, so that a status and since when it holds are never of two minds, and what the house sets never overwrites what somebody
chose in the same moment. The time is the server's, as it is in desk_reserve, which reads what is written here.

KEYS  1 {desk}a:G (hash)  2 {desk}here (zset: G -> beat)
ARGV  1 offset (ms)  2 G  3 what: beat, choose, missed, gone  4 status (choose)  5 kind of break (choose)
      6 '1' they pressed a key or clicked (beat)  7 keep (ms)  8 a second time within (ms; missed)
      9 without a beat since (ms ago; gone)
RETURNS the hash, flat; empty where nothing is known of them
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local at = string.format('%.0f', now)
local held = redis.call('HMGET', KEYS[1], 'st', 'k', 'b', 'm')
local function status(name, kind)
  if held[1] ~= name or (held[2] or '') ~= kind then
    redis.call('HSET', KEYS[1], 'st', name, 'k', kind, 's', at)
  end
end
if ARGV[3] == 'beat' or ARGV[3] == 'choose' then
  redis.call('HSET', KEYS[1], 'b', at)
  if ARGV[3] == 'choose' then
    status(ARGV[4], ARGV[5])
    redis.call('HSET', KEYS[1], 't', at)
  else
    if not held[1] then status('offline', '') end
    if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 't', at) end
  end
  redis.call('ZADD', KEYS[2], at, ARGV[2])
elseif ARGV[3] == 'missed' then
  if held[1] == 'available' or held[1] == 'busy' then status('not_responding', '') end
  if held[1] then
    if held[4] and now - tonumber(held[4]) < tonumber(ARGV[8]) then redis.call('HSET', KEYS[1], 'w', at) end
    redis.call('HSET', KEYS[1], 'm', at)
  end
elseif ARGV[3] == 'gone' then
  -- Compared here: whoever came back meanwhile stays what they chose.
  if held[1] and now - tonumber(held[3] or '0') >= tonumber(ARGV[9]) then
    status('offline', '')
    redis.call('ZREM', KEYS[2], ARGV[2])
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[7]) end
return redis.call('HGETALL', KEYS[1])
