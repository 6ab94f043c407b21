-- SPDX-License-Identifier: MIT
-- Input of the Lua benchmark: tables, strings and closures. Takes the number of rounds.

local seed = 42

local function number(bound)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed >> 8) % bound
end

local function make_account(name)
  local balance, history = 0, {}
  return {
    name = name,
    book = function(amount)
      balance = balance + amount
      history[#history + 1] = name .. ":" .. amount
    end,
    report = function() return balance, table.concat(history, ";") end,
  }
end

local function accounts(count)
  local all = {}
  for i = 1, count do all[i] = make_account("account" .. i) end
  for _ = 1, count * 10 do all[1 + number(count)].book(number(1000)) end
  local sum, length = 0, 0
  for _, each in ipairs(all) do
    local balance, text = each.report()
    sum, length = sum + balance, length + #text
  end
  return sum, length
end

local function words(count)
  local counts, order = {}, {}
  for _ = 1, count do
    local word = string.format("%x%s", number(8000), string.rep("z", number(9)))
    if not counts[word] then order[#order + 1] = word end
    counts[word] = (counts[word] or 0) + 1
  end
  table.sort(order)
  local text = table.concat(order, " ")
  local vowels = select(2, text:gsub("[ae]", string.upper))
  return #order, #text, vowels
end

local function grid(size)
  local rows = {}
  for y = 1, size do
    local row = {}
    for x = 1, size do row[x] = {x = x, y = y, value = number(100)} end
    rows[y] = row
  end
  local sum = 0
  for y = 2, size do
    for x = 2, size do sum = sum + rows[y][x].value * rows[y - 1][x - 1].value end
  end
  return sum
end

for round = 1, tonumber(arg[1]) do
  print(round, accounts(3000), words(40000), grid(150))
end
