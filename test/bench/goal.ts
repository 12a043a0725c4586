/** Whether a figure is as low as it shall be, in words. @param goal in the figure's own unit; reaching it is meeting it */
export function verdict(figure: number, goal: number): string {
  return figure <= goal ? "met" : "not met";
}
