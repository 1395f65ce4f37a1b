-- Now is the server's TIME plus the caller's offset (0 outside tests and the demo), never below the newest fact of the
-- partition: a clock set back then delays leases, and nothing new is older than what it follows.
local function now_of(facts, offset)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local last = redis.call('XREVRANGE', facts, '+', '-', 'COUNT', 1)[1]
  if last then
    local at = tonumber(string.match(last[1], '^(%d+)'))
    if at > now then now = at end
  end
  return now + offset
end
-- Lua's own form of 1.79e12 loses digits.
local function text(number) return string.format('%.0f', number) end
-- A fact: format|at|kind|ids|detail. No personal data ever.
local function fact(key, now, kind, ids, detail)
  redis.call('XADD', key, '*', 'f', '1|' .. text(now) .. '|' .. kind .. '|' .. ids .. '|' .. (detail or ''))
end
local function split(value)
  local parts = {}
  for part in string.gmatch(value .. '|', '([^|]*)|') do parts[#parts + 1] = part end
  return parts
end
