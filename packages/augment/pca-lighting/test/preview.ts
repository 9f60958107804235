// What the card's picture shows: draws in which one sees what the trick does.
export const seed = 2
