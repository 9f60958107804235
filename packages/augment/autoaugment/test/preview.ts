// The content of the card's picture: draws that show the effect clearly.
export const seed = 2
