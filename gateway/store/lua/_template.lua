-- What is known of one template: its values, in t when each was so by the channel and when we heard it ("ms ms"), with one pair
-- under '*' for all that have none of their own, and in `at` the youngest of the former. A program of before t moves `at` alone:
-- then everything is as it wrote it, as of `at`.
local function latest(known)
  local last = 0
  for _, both in pairs(known.t) do last = math.max(last, tonumber(string.match(both, '^%d+'))) end
  return last
end
local function load_template(raw)
  local known = raw and cjson.decode(raw) or {}
  known.t = known.t or {}
  if known.at and tonumber(known.at) > latest(known) then
    local at = string.format('%.0f', known.at)
    known.t = { ['*'] = at .. ' ' .. at }
  end
  return known
end
local function times_of(known, name) return known.t[name] or known.t['*'] or '0 0' end
local function so_at(known, name) return tonumber(string.match(times_of(known, name), '^%d+')) end
local function heard_at(known, name) return tonumber(string.match(times_of(known, name), '%d+$')) end
local function save_template(key, field, known)
  if not next(known.t) then return end
  known.at = latest(known)
  redis.call('HSET', key, field, cjson.encode(known))
end
